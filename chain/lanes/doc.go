// Package lanes shares batches before they are ordered: each validator's lane of
// signed cars, the votes that say who holds them, the availability certificates
// made of these, and the walk from an ordered cut back to the batches it names.
//
// [Machine] is one node's part in all lanes of an epoch. It is pure: inputs go
// through [Machine.Step], which returns what to make durable, what to send and
// what to fetch. It never sees the bytes of a batch, only digests. The rules are
// in docs/spec/lanes.md.
//
// What the machine relies on:
//
//   - everything in [Output.Store] is durable first, then everything in
//     [Output.Votes], and only then is anything else in the output acted on;
//   - a batch named by an input is durable;
//   - requests in [Output.FetchBatches] and [Output.FetchCars] are answered from
//     the node's own store first, so the machine may forget what is on disk;
//   - what a fetch brings comes back as [CarIn] and [BatchStored].
//
// It may be imported by chain/node, tests and internal/sim. It imports the
// standard library, proofs and chain/types only.
package lanes
