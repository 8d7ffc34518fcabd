"""HTTP: sessions, retries, verified downloads. The only room that opens connections."""
