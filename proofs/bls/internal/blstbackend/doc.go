// Package blstbackend gives proofs/bls its curve from supranational/blst. It
// is the only package of the project that needs cgo; without cgo it is empty.
// Only proofs/bls imports it.
//
// It keeps to those calls of the binding that start no goroutine: the
// binding's own Verify and aggregate helpers spread work over threads.
package blstbackend
