"""Pictures of people: read safely, and listed from the folders in which data sets are kept."""
