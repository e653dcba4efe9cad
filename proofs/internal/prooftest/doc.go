// Package prooftest makes what tests and vectors of proofs check: validator
// committees with real keys, networks that certify headers, queues and slices.
// Everything follows from small numbers, so that a run repeats byte for byte.
//
// Only tests of proofs and the command that writes its vectors import it. Its
// functions panic where only a mistake of the caller can fail.
package prooftest
