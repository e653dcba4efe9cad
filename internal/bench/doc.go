// Package bench measures what a reader of other networks pays: the verification of
// slices, and the walk along many key blocks. It makes the networks it measures,
// with real keys and real signatures; only, where a quorum signs, it signs once
// with the sum of their secrets, which gives the same certificate much sooner.
// Making them is not part of any figure.
//
// cmd imports it. It imports proofs and bootstrap, and must not import chain/node
// or anything else that runs a network.
package bench
