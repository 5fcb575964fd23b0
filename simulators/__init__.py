"""Black boxes outside the centre: devices, operators and load that speak MQTT and HTTP only."""
