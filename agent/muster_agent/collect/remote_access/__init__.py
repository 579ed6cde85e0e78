"""Programs by which somebody elsewhere can see or steer a PC."""
