"""Recurrent inference machines for solving inverse problems."""
