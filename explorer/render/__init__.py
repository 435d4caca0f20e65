"""Code to picture: requests, the renderer that answers them, and the thread that orders them. No Qt."""
