// Package deptest holds the import rules of the repository as a test: which
// package may know which, and why. It has no code of its own.
package deptest
