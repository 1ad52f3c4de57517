"""One module per technology: SQL, MQTT, keys. Only `app` names them."""
