"""The hand-over to the ambulance service (120): what the centre knows of one alert, as one value and views of it."""
