"""Routes that keep the wire contract of the two back ends that Plaza replaces."""
