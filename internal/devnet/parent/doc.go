// Package parent ties a node's process to the one that started it: when that one
// ends, however it ends, its end of a pipe is closed, and the node stops.
//
// internal/devnet sets [Env] for its children; cmd calls [WatchParent]. The
// package imports the standard library only.
package parent
