package p2p

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	gossipQueue = 128 // packets for one peer, messages for one topic's handler and for the validators
	seenTTL     = 2 * time.Minute
	// gossipOverhead is the room in a packet for what surrounds a message.
	gossipOverhead = 1 << 10
)

// Scores: each invalid message counts, squared, times −10; from three on a peer's packets are ignored, until the
// counter has decayed (halved about every minute).
const (
	invalidWeight = -10
	invalidDecay  = 0.99
	graylist      = -80
)

// gossip is the pubsub side of a host.
type gossip struct {
	host   *Host
	pubsub *pubsub.PubSub

	mu     sync.Mutex
	topics map[string]*topic
	subs   map[peer.ID]map[string]struct{} // topics that peers subscribed to, bounded by Limits.Topics
}

type topic struct {
	*pubsub.Topic
	maxSize int
}

func newGossip(h *Host) (*gossip, error) {
	g := &gossip{host: h, topics: make(map[string]*topic), subs: make(map[peer.ID]map[string]struct{})}
	library := slog.New(libraryHandler{}).With("logger", "pubsub")
	var err error
	g.pubsub, err = pubsub.NewGossipSub(h.ctx, h.stack.host,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(gossipID),
		pubsub.WithMaxMessageSize(h.limits.GossipSize+gossipOverhead),
		pubsub.WithPeerOutboundQueueSize(gossipQueue),
		pubsub.WithValidateQueueSize(gossipQueue),
		pubsub.WithSeenMessagesTTL(seenTTL),
		pubsub.WithSubscriptionFilter(g),
		pubsub.WithPeerScore(
			&pubsub.PeerScoreParams{
				SkipAtomicValidation:   true,
				Topics:                 make(map[string]*pubsub.TopicScoreParams),
				DecayInterval:          time.Second,
				DecayToZero:            0.01,
				RetainScore:            10 * time.Minute,
				BehaviourPenaltyWeight: -1, BehaviourPenaltyThreshold: 6, BehaviourPenaltyDecay: invalidDecay,
			},
			&pubsub.PeerScoreThresholds{GossipThreshold: graylist / 4, PublishThreshold: graylist / 2, GraylistThreshold: graylist}),
		pubsub.WithLogger(library),
		pubsub.WithRPCLogger(library))
	if err != nil {
		return nil, fmt.Errorf("p2p: gossip: %w", err)
	}
	return g, nil
}

// gossipID is SHA-256(uint32 length of the topic ‖ topic ‖ data): one content has one id, whoever sends it.
func gossipID(m *pb.Message) string {
	h := sha256.New()
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(m.GetTopic())))
	h.Write(length[:])
	h.Write([]byte(m.GetTopic()))
	h.Write(m.GetData())
	return string(h.Sum(nil))
}

// Join subscribes to a topic, for the host's life. validate is called for each new message of others before it is
// relayed or handled, from a few goroutines: nil accepts, ErrIgnore (or what wraps it) drops, any other error drops and
// lowers the score of the peer that relayed it. A nil validate accepts all. handle is called from one goroutine for each
// topic; while it blocks, up to 128 messages wait and further ones are dropped. Own messages reach neither. from is the
// peer that relayed the message: messages carry no author.
//
// Errors: ErrJoined, ErrConfig, ErrClosed.
func (h *Host) Join(name string, maxSize int, validate func(from NodeKey, msg []byte) error, handle func(from NodeKey, msg []byte)) error {
	if maxSize <= 0 || maxSize > h.limits.GossipSize {
		return fmt.Errorf("%w: topic %s: got size %d, want 1 to %d", ErrConfig, name, maxSize, h.limits.GossipSize)
	}
	g := h.gossip
	g.mu.Lock()
	if _, dup := g.topics[name]; dup {
		g.mu.Unlock()
		return fmt.Errorf("%w: %s", ErrJoined, name)
	}
	t := &topic{maxSize: maxSize}
	g.topics[name] = t
	g.mu.Unlock()
	sub, err := g.subscribe(t, name, validate)
	if err == nil && !h.spawn(func() { g.deliver(sub, handle) }) {
		err = ErrClosed
	}
	if err != nil {
		g.mu.Lock()
		delete(g.topics, name)
		g.mu.Unlock()
		if h.ctx.Err() != nil {
			err = ErrClosed
		}
		return fmt.Errorf("p2p: join %s: %w", name, err)
	}
	return nil
}

func (g *gossip) subscribe(t *topic, name string, validate func(NodeKey, []byte) error) (*pubsub.Subscription, error) {
	err := g.pubsub.RegisterTopicValidator(name, g.validator(t.maxSize, validate), pubsub.WithValidatorInline(true))
	if err != nil {
		return nil, err
	}
	joined, err := g.pubsub.Join(name)
	if err != nil {
		return nil, err
	}
	err = joined.SetScoreParams(&pubsub.TopicScoreParams{
		SkipAtomicValidation:           true,
		TopicWeight:                    1,
		TimeInMeshQuantum:              time.Second,
		InvalidMessageDeliveriesWeight: invalidWeight,
		InvalidMessageDeliveriesDecay:  invalidDecay,
	})
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	t.Topic = joined
	g.mu.Unlock()
	return joined.Subscribe(pubsub.WithBufferSize(gossipQueue))
}

// validator adapts validate: size first, own messages trusted.
func (g *gossip) validator(maxSize int, validate func(NodeKey, []byte) error) pubsub.ValidatorEx {
	return func(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		if len(m.GetData()) > maxSize {
			return pubsub.ValidationReject
		}
		if validate == nil || from == g.host.stack.host.ID() {
			return pubsub.ValidationAccept
		}
		key, err := keyOf(from)
		if err != nil {
			return pubsub.ValidationReject
		}
		switch err := validate(key, m.GetData()); {
		case err == nil:
			return pubsub.ValidationAccept
		case errors.Is(err, ErrIgnore):
			return pubsub.ValidationIgnore
		default:
			g.host.log.Debug("p2p: gossip rejected", "topic", m.GetTopic(), "peer", from, "err", err)
			return pubsub.ValidationReject
		}
	}
}

func (g *gossip) deliver(sub *pubsub.Subscription, handle func(NodeKey, []byte)) {
	defer sub.Cancel()
	for {
		m, err := sub.Next(g.host.ctx)
		if err != nil {
			return
		}
		if m.ReceivedFrom == g.host.stack.host.ID() {
			continue
		}
		if key, err := keyOf(m.ReceivedFrom); err == nil && handle != nil {
			handle(key, m.GetData())
		}
	}
}

// Publish gossips msg on a joined topic. Publishing again what was seen within two minutes does nothing.
// Errors: ErrNotJoined, ErrTooLarge, ErrClosed, ErrRejected.
func (h *Host) Publish(name string, msg []byte) error {
	h.gossip.mu.Lock()
	t := h.gossip.topics[name]
	ready := t != nil && t.Topic != nil
	h.gossip.mu.Unlock()
	if !ready {
		return fmt.Errorf("%w: %s", ErrNotJoined, name)
	}
	if len(msg) > t.maxSize {
		return fmt.Errorf("%w: topic %s: got %d bytes, want at most %d", ErrTooLarge, name, len(msg), t.maxSize)
	}
	if h.ctx.Err() != nil {
		return ErrClosed
	}
	if err := t.Topic.Publish(h.ctx, append([]byte(nil), msg...)); err != nil {
		if h.ctx.Err() != nil {
			return ErrClosed
		}
		return fmt.Errorf("%w: topic %s: %w", ErrRejected, name, err)
	}
	return nil
}

// CanSubscribe implements pubsub.SubscriptionFilter: own subscriptions are never refused.
func (g *gossip) CanSubscribe(string) bool { return true }

// FilterIncomingSubscriptions implements pubsub.SubscriptionFilter: what a peer subscribes to beyond its bound is
// ignored.
func (g *gossip) FilterIncomingSubscriptions(from peer.ID, subs []*pb.RPC_SubOpts) ([]*pb.RPC_SubOpts, error) {
	if g.host.stack.swarm.Connectedness(from) != network.Connected {
		return nil, nil // forget has run, or is about to
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	have := g.subs[from]
	var out []*pb.RPC_SubOpts
	for _, s := range subs {
		name := s.GetTopicid()
		if !s.GetSubscribe() {
			delete(have, name)
			out = append(out, s)
			continue
		}
		if _, ok := have[name]; !ok {
			if len(have) >= g.host.limits.Topics {
				continue
			}
			if have == nil {
				have = make(map[string]struct{})
				g.subs[from] = have
			}
			have[name] = struct{}{}
		}
		out = append(out, s)
	}
	return out, nil
}

// forget drops what was kept of a peer that has no connection left.
func (g *gossip) forget(id peer.ID, n network.Network) {
	if n.Connectedness(id) == network.Connected {
		return
	}
	g.mu.Lock()
	delete(g.subs, id)
	g.mu.Unlock()
}
