"""The store on one Redis server: Lua scripts that keep the invariant, and plain reads."""
