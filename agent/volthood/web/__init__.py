"""What people see in a browser. So far: the charts that the demonstration's report draws too."""
