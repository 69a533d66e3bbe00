"""Low-resolution versions of BSDS-300's test images, made by MATLAB."""
