package p2p

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	bhost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"
)

const (
	// idleTimeout is how long a silent peer stays connected: a killed process is noticed within it. The dialling side
	// states it and QUIC takes the minimum of both sides (RFC 9000, 10.1).
	idleTimeout = 5 * time.Second
	keepAlive   = 1500 * time.Millisecond
	// handshakeIdle ends a handshake with a silent address.
	handshakeIdle = 3 * time.Second
	// negotiation bounds the choice of a stream's protocol.
	negotiation = 5 * time.Second
)

// stack is the libp2p machinery, put together by hand so that what runs is what is named here.
type stack struct {
	host  *bhost.BasicHost
	swarm *swarm.Swarm
	quic  *quicreuse.ConnManager
}

func (s *stack) close() error {
	err := s.host.Close() // swarm, peer store and resource manager with it
	if e := s.quic.Close(); err == nil {
		err = e
	}
	return err
}

func newStack(key ed25519.PrivateKey, limits Limits, kept int, gate *gate) (*stack, error) {
	private, err := crypto.UnmarshalEd25519PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("%w: Key: %w", ErrConfig, err)
	}
	resources, err := newResources(limits, kept)
	if err != nil {
		return nil, err
	}
	bus := eventbus.NewBus()
	sw, err := newSwarm(private, bus, resources, gate)
	if err != nil {
		return nil, err
	}
	manager, err := newQUIC(key, limits, resources)
	if err != nil {
		return nil, err
	}
	transport, err := libp2pquic.NewTransport(private, manager, nil, gate, resources)
	if err != nil {
		return nil, err
	}
	if err := sw.AddTransport(transport); err != nil {
		return nil, err
	}
	host, err := bhost.NewHost(sw, &bhost.HostOpts{
		EventBus:                bus,
		NegotiationTimeout:      negotiation,
		UserAgent:               "isthmus",
		ProtocolVersion:         "isthmus/1",
		DisableSignedPeerRecord: true,
	})
	if err != nil {
		return nil, err
	}
	return &stack{host: host, swarm: sw, quic: manager}, nil
}

func newSwarm(key crypto.PrivKey, bus event.Bus, resources network.ResourceManager, gate *gate) (*swarm.Swarm, error) {
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("%w: Key: %w", ErrConfig, err)
	}
	store, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	if err := store.AddPrivKey(id, key); err != nil {
		return nil, err
	}
	if err := store.AddPubKey(id, key.GetPublic()); err != nil {
		return nil, err
	}
	return swarm.NewSwarm(id, store, bus,
		swarm.WithConnectionGater(gate),
		swarm.WithResourceManager(resources),
		swarm.WithDialRanker(swarm.NoDelayDialRanker),
		swarm.WithUDPBlackHoleSuccessCounter(nil),
		swarm.WithIPv6BlackHoleSuccessCounter(nil))
}

// newQUIC makes the QUIC endpoint. The keys for stateless resets and tokens are derived from the node key, so that a
// restarted process can tell its old connections at once that they are gone.
func newQUIC(key ed25519.PrivateKey, limits Limits, resources network.ResourceManager) (*quicreuse.ConnManager, error) {
	var reset quic.StatelessResetKey
	var token quic.TokenGeneratorKey
	for info, dst := range map[string][]byte{"isthmus p2p quic reset": reset[:], "isthmus p2p quic token": token[:]} {
		derived, err := hkdf.Key(sha256.New, key.Seed(), nil, info, len(dst))
		if err != nil {
			return nil, err
		}
		copy(dst, derived)
	}
	manager, err := quicreuse.NewConnManager(reset, token,
		quicreuse.ConnContext(func(ctx context.Context, client *quic.ClientInfo) (context.Context, error) {
			return openScope(ctx, client, resources)
		}),
		quicreuse.VerifySourceAddress(resources.VerifySourceAddress),
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return routeLookup{}, nil }))
	if err != nil {
		return nil, err
	}
	client := manager.ClientConfig()
	client.MaxIdleTimeout = idleTimeout
	client.KeepAlivePeriod = keepAlive
	client.HandshakeIdleTimeout = handshakeIdle
	client.MaxStreamReceiveWindow = uint64(limits.ConnMemory)
	client.MaxConnectionReceiveWindow = uint64(limits.ConnMemory)
	return manager, nil
}

// openScope accounts for an incoming connection before its handshake costs anything.
func openScope(ctx context.Context, client *quic.ClientInfo, resources network.ResourceManager) (context.Context, error) {
	addr, err := quicreuse.ToQuicMultiaddr(client.RemoteAddr, quic.Version1)
	if err != nil {
		addr = nil // the resource manager decides on a connection from nowhere
	}
	scope, err := resources.OpenConnection(network.DirInbound, false, addr)
	if err != nil {
		return ctx, err
	}
	ctx = network.WithConnManagementScope(ctx, scope)
	context.AfterFunc(ctx, scope.Done)
	return ctx, nil
}

// routeLookup asks the kernel which local address it would use towards a destination: connecting a UDP socket sends
// nothing.
type routeLookup struct{}

func (routeLookup) PreferredSourceIPForDestination(dst *net.UDPAddr) (net.IP, error) {
	conn, err := net.DialUDP("udp", nil, dst)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP, nil
}

func newResources(l Limits, kept int) (network.ResourceManager, error) {
	var (
		peers   = kept + l.Strangers
		conns   = kept*l.ConnsPerPeer + 2*l.Strangers // strangers' bound is the gate's; this one is above it
		streams = rcmgr.LimitVal(min(2*l.StreamsPerPeer*peers, 1<<20))
		val     = func(n int) rcmgr.LimitVal { return rcmgr.LimitVal(max(n, 1)) }
	)
	config := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: val(conns), ConnsInbound: val(conns), ConnsOutbound: val(conns),
			Streams: streams, StreamsInbound: streams, StreamsOutbound: streams,
			FD: rcmgr.Unlimited, Memory: rcmgr.LimitVal64(l.Memory),
		},
		// Connections in their handshake and streams before their protocol is known.
		Transient: rcmgr.ResourceLimits{
			Conns: val(2 * (kept + 64)), ConnsInbound: val(kept + 64), ConnsOutbound: val(kept + 64),
			Streams: val(1024), StreamsInbound: val(512), StreamsOutbound: val(512),
			FD: rcmgr.Unlimited, Memory: rcmgr.LimitVal64(l.Memory),
		},
		PeerDefault: rcmgr.ResourceLimits{
			Conns: val(l.ConnsPerPeer), ConnsInbound: val(l.ConnsPerPeer), ConnsOutbound: val(l.ConnsPerPeer),
			Streams: val(2 * l.StreamsPerPeer), StreamsInbound: val(l.StreamsPerPeer), StreamsOutbound: val(l.StreamsPerPeer),
			FD: rcmgr.Unlimited, Memory: rcmgr.LimitVal64(2 * l.ConnMemory),
		},
		Conn: rcmgr.ResourceLimits{
			Conns: 1, ConnsInbound: 1, ConnsOutbound: 1, FD: rcmgr.Unlimited, Memory: rcmgr.LimitVal64(l.ConnMemory),
		},
	}
	perIP := []rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: l.ConnsPerIP}}
	perIP6 := []rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: l.ConnsPerIP}}
	return rcmgr.NewResourceManager(
		rcmgr.NewFixedLimiter(config.Build(rcmgr.InfiniteLimits)),
		rcmgr.WithMetricsDisabled(),
		rcmgr.WithLimitPerSubnet(perIP, perIP6),
		rcmgr.WithConnRateLimiters(newConnRates(l)))
}

// newConnRates bounds new connections, in both directions, from and to one address: enough for the back-off of as many
// kept peers behind it as ConnsPerIP allows.
func newConnRates(l Limits) *rate.Limiter {
	limit := rate.Limit{RPS: float64(max(l.ConnsPerIP, 1)), Burst: 2 * max(l.ConnsPerIP, 1)}
	return &rate.Limiter{
		NetworkPrefixLimits: []rate.PrefixLimit{
			{Prefix: netip.MustParsePrefix("127.0.0.0/8")},
			{Prefix: netip.MustParsePrefix("::1/128")},
		},
		SubnetRateLimiter: rate.SubnetLimiter{
			IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: limit}},
			IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: limit}},
			GracePeriod:      time.Minute,
		},
	}
}

// listen binds every address or fails: swarm.Listen given several is content with one.
func (s *stack) listen(addrs []ma.Multiaddr) error {
	for _, addr := range addrs {
		if err := s.swarm.Listen(addr); err != nil {
			return fmt.Errorf("p2p: listen on %s: %w", addr, err)
		}
	}
	return nil
}
