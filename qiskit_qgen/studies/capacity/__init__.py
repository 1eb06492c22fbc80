"""The capacity study: how large critics and classical generators must be, and the autoencoders it rests on."""
