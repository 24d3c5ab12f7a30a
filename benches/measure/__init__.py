"""What benches/run is made of: brokers as processes, loads, readings of /proc, and the table."""
