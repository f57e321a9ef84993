// Compiles the precompiled header once; every library reuses it.
