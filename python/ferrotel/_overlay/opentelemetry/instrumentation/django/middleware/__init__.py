"""What is put into the setting `MIDDLEWARE`."""
