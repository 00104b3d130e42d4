"""The wire: TCP, TLS, HTTP/1.1, authentication, WS-Management and WinRS shells."""
