"""The capacity study: how large critics and classical generators must be, and its autoencoders."""
