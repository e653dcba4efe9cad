// Package p2p moves bytes between the nodes of a network, and between a network's nodes and those of its peers: one
// libp2p host over QUIC v1, whose identity is the node's Ed25519 key.
//
// Three kinds of traffic:
//
//   - Messages ([Host.Send], [Host.Broadcast], [Host.HandleMessages]): one long-lived, ordered, one-way stream for each
//     (peer, [Class]) and a bounded queue before it. Nothing is acknowledged. A message is lost when its queue is full,
//     when the peer is not connected, or when its connection breaks with bytes under way; [Host.Watch] tells the owner
//     of the traffic when to send again what still matters.
//   - Requests ([Host.Request], [Host.HandleRequests]): one stream for each request, with a deadline, size caps both
//     ways and bounded concurrency for each peer and in all.
//   - Gossip ([Host.Join], [Host.Publish]): gossipsub, unsigned, the id of a message being the hash of its topic and
//     content, validated before it is relayed.
//
// Bounds. No length that a peer states is allocated before the peer has sent that many bytes; a slow reader is met with
// QUIC's flow control; every queue has a length; connections and streams are counted by libp2p's resource manager,
// configured from [Limits]. Handlers that panic take the process down: nothing here recovers.
//
// Everything of libp2p that is not needed is off: no TCP, relay, hole punching, NAT mapping, DHT, mDNS, AutoNAT, peer
// exchange, ping or metrics server. Only configured addresses are ever dialled.
//
// Drivers (chain/node, mesh, relay, bootstrap drivers, cmd) may import this package. It must not import proofs,
// chain/types or any core: what the bytes mean is not its business.
package p2p
