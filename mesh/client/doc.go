// Package client follows peer networks from one node of ours: it hears what
// they announce, fetches their zero-headers, key blocks and slices, verifies
// each completely, and puts what teaches our network something into this node's
// own lane. Nothing it does is trusted by anybody: the rules of our network
// check every item again, so the client can only waste its own node's room.
//
// The decisions are in the planner, a value for each peer: events in, effects
// out, no clock, no goroutine. [Client] owns one goroutine for each followed
// peer, which carries the effects out. Also here: the wire protocol of
// following (protocol.go), and the side that answers it (answer.go).
//
// Drivers (chain/node) and relay may import it. It imports proofs and
// chain/types, and must not import chain/node or any transport: it speaks to
// both through [Transport] and [Local].
package client
