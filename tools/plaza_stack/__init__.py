"""The local stack behind `make run`: embedded Redis, every service, the gateway, one supervisor that keeps them up."""
