#!/bin/sh
# Prints the lab's vault key, which `winlab up` makes. On a machine without a lab it prints a word that opens nothing,
# so that other inventories are not disturbed.
state=${WINLAB_STATE:-$(dirname "$0")/../../.winlab}
if [ -r "$state/vault.key" ]; then
  cat "$state/vault.key"
else
  echo no-lab-on-this-machine
fi
