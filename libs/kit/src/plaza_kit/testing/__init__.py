"""What tests of every member share: private real servers, polling, gRPC and database fixtures."""
