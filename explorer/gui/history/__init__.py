"""The history: places worth returning to, when they are kept, and how they travel."""
