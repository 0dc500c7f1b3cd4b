"""What the gateway's tests share: fake services, an issuer of tokens, and a gateway on a real port."""
