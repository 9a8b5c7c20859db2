"""The meeting's pages: what the group agrees on, and what was said."""
