"""Everything that touches the world, one noun a module. Effects do as told; they do not choose."""
