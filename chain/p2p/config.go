package p2p

import (
	"cmp"
	"crypto/ed25519"
	"fmt"
	"log/slog"

	ma "github.com/multiformats/go-multiaddr"
)

// Config describes a host. It is read by New and not kept by reference, except for Allow and Logger.
type Config struct {
	// Key is the node's Ed25519 private key: the host's identity.
	Key ed25519.PrivateKey
	// Listen holds QUIC v1 multiaddrs ("/ip4/127.0.0.1/udp/0/quic-v1"). Port 0 lets the kernel choose; Addrs tells which.
	Listen []string
	// Static names the peers to stay connected to, with QUIC v1 multiaddrs without /p2p. They are dialled again, with
	// jittered back-off of at most a second, for ever. An entry for the host itself is ignored. A peer without addresses
	// is waited for. Broadcast goes to these peers.
	Static map[NodeKey][]string
	// Known holds full multiaddrs with /p2p of further nodes (those of other networks), kept connected likewise, with
	// back-off of at most ten seconds. Several addresses of one node are allowed. AddKnown adds to them later.
	Known []string
	// Allow gates classes and protocols marked ValidatorsOnly, both ways; nil allows all. It is called for each
	// message, from many goroutines, and must be quick.
	Allow func(NodeKey) bool
	// Logger receives the host's logs and libp2p's errors (its warnings at level Debug); nil discards them. libp2p's
	// loggers belong to the process: they follow the host made last.
	Logger *slog.Logger
	// Limits bound resources; zero fields take the documented defaults.
	Limits Limits
}

// Limits bound what peers can make the host hold. They were chosen for eight or more nodes on one machine; New logs the
// values in force.
type Limits struct {
	// Strangers is the number of connections from peers that are neither Static nor Known nor allowed. Default 64.
	Strangers int
	// ConnsPerPeer bounds connections to one peer, both directions: two can appear when both sides dial at once, and old
	// ones linger for the idle timeout after a crash. Default 8.
	ConnsPerPeer int
	// ConnsPerIP bounds connections to one IPv4 address or IPv6 /56; loopback is exempt. Default 64.
	ConnsPerIP int
	// StreamsPerPeer bounds streams open to and from one peer, in each direction. Each class takes one for each
	// direction, each request one while it runs, libp2p itself about four. Default 128.
	StreamsPerPeer int
	// Memory bounds the bytes of QUIC receive window of all connections beyond their first 512 KiB each.
	// Default 128 MiB.
	Memory int64
	// ConnMemory is the same for one connection: the most a stalled reader can make us buffer for a peer, and the
	// most unacknowledged data a sender has under way. Default 8 MiB.
	ConnMemory int64
	// QueueBytes bounds one send queue (peer, class) by bytes, besides the class's bound by messages. One message of the
	// class's full size always fits. Default 16 MiB.
	QueueBytes int
	// Topics bounds the gossip topics that one peer may subscribe to. Default 64.
	Topics int
	// GossipSize bounds a gossip packet, and so the maxSize that Join takes. Default 1 MiB.
	GossipSize int
}

func (l Limits) withDefaults() Limits {
	l.Strangers = cmp.Or(l.Strangers, 64)
	l.ConnsPerPeer = cmp.Or(l.ConnsPerPeer, 8)
	l.ConnsPerIP = cmp.Or(l.ConnsPerIP, 64)
	l.StreamsPerPeer = cmp.Or(l.StreamsPerPeer, 128)
	l.Memory = cmp.Or(l.Memory, 128<<20)
	l.ConnMemory = cmp.Or(l.ConnMemory, 8<<20)
	l.QueueBytes = cmp.Or(l.QueueBytes, 16<<20)
	l.Topics = cmp.Or(l.Topics, 64)
	l.GossipSize = cmp.Or(l.GossipSize, 1<<20)
	return l
}

func (l Limits) check() error {
	for name, v := range map[string]int64{
		"Strangers": int64(l.Strangers), "ConnsPerPeer": int64(l.ConnsPerPeer), "ConnsPerIP": int64(l.ConnsPerIP),
		"StreamsPerPeer": int64(l.StreamsPerPeer), "Memory": l.Memory, "ConnMemory": l.ConnMemory,
		"QueueBytes": int64(l.QueueBytes), "Topics": int64(l.Topics), "GossipSize": int64(l.GossipSize),
	} {
		if v < 0 {
			return fmt.Errorf("%w: Limits.%s: got %d, want 0 (default) or more", ErrConfig, name, v)
		}
	}
	return nil
}

// LogValue lists the limits in force.
func (l Limits) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("strangers", l.Strangers),
		slog.Int("conns_per_peer", l.ConnsPerPeer),
		slog.Int("conns_per_ip", l.ConnsPerIP),
		slog.Int("streams_per_peer", l.StreamsPerPeer),
		slog.Int64("memory", l.Memory),
		slog.Int64("conn_memory", l.ConnMemory),
		slog.Int("queue_bytes", l.QueueBytes),
		slog.Int("topics", l.Topics),
		slog.Int("gossip_size", l.GossipSize),
	)
}

// target says how the host keeps a peer connected. It is never changed, only replaced.
type target struct {
	addrs  []ma.Multiaddr
	static bool
}

// parse checks the configuration and returns the listening addresses and the peers to keep, without the host itself.
func (cfg *Config) parse() ([]ma.Multiaddr, map[NodeKey]*target, error) {
	if len(cfg.Key) != ed25519.PrivateKeySize {
		return nil, nil, fmt.Errorf("%w: Key: got %d bytes, want %d", ErrConfig, len(cfg.Key), ed25519.PrivateKeySize)
	}
	if err := cfg.Limits.check(); err != nil {
		return nil, nil, err
	}
	listen, err := parseAddrs(cfg.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("listen: %w", err)
	}
	kept := make(map[NodeKey]*target)
	for key, texts := range cfg.Static {
		addrs, err := parseAddrs(texts)
		if err != nil {
			return nil, nil, fmt.Errorf("peer %x: %w", key[:4], err)
		}
		kept[key] = &target{addrs: addrs, static: true}
	}
	known, err := parseKnown(cfg.Known)
	if err != nil {
		return nil, nil, err
	}
	for key, addrs := range known {
		if kept[key] == nil {
			kept[key] = &target{}
		}
		kept[key].addrs = append(kept[key].addrs, addrs...)
	}
	delete(kept, NodeKey(cfg.Key.Public().(ed25519.PublicKey)))
	return listen, kept, nil
}

// parseKnown takes full multiaddrs with /p2p apart, by node.
func parseKnown(fulls []string) (map[NodeKey][]ma.Multiaddr, error) {
	known := make(map[NodeKey][]ma.Multiaddr)
	for _, full := range fulls {
		key, text, err := SplitAddr(full)
		if err != nil {
			return nil, err
		}
		addr, err := parseAddr(text)
		if err != nil {
			return nil, err
		}
		known[key] = append(known[key], addr)
	}
	return known, nil
}

func parseAddrs(texts []string) ([]ma.Multiaddr, error) {
	addrs := make([]ma.Multiaddr, len(texts))
	for i, text := range texts {
		m, err := parseAddr(text)
		if err != nil {
			return nil, err
		}
		addrs[i] = m
	}
	return addrs, nil
}
