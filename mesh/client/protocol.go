package client

//go:generate go tool -modfile=../../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"fmt"
	"strings"

	"github.com/isthmus-network/isthmus/proofs"
)

// Proto names one kind of request between networks. Transports derive their wire
// protocol from it; the last element is its version.
type Proto string

// The kinds of requests.
const (
	ProtoZero      Proto = "/isthmus/zero/1"      // empty → proofs.ZeroHeader
	ProtoKeyBlocks Proto = "/isthmus/keyblocks/1" // KeyBlocksRequest → KeyBlocksResponse
	ProtoSlice     Proto = "/isthmus/slice/1"     // SliceRequest → proofs.Slice, or empty: nothing new
)

// Bounds of the protocol, in bytes unless they say otherwise.
const (
	MaxKeyBlocks         = 64 // key blocks in one response
	MaxRequestBytes      = 256
	MaxKeyBlocksBytes    = 2 << 20
	MaxAnnouncedHeads    = 256
	MaxAnnouncementBytes = 32 << 10
)

// Name returns the proto's middle element: "zero", "keyblocks" or "slice".
func (p Proto) Name() string {
	return strings.TrimSuffix(strings.TrimPrefix(string(p), "/isthmus/"), "/1")
}

// Protos lists the kinds of requests.
func Protos() []Proto { return []Proto{ProtoZero, ProtoKeyBlocks, ProtoSlice} }

// MaxResponse returns the most bytes that an answer may have.
func (p Proto) MaxResponse() int {
	switch p {
	case ProtoZero:
		return proofs.MaxZeroBytes
	case ProtoKeyBlocks:
		return MaxKeyBlocksBytes
	default:
		return proofs.MaxSliceBytes
	}
}

// HeadsTopic names the gossip topic on which the nodes of network announce their
// certified headers.
func HeadsTopic(network proofs.NetworkID) string { return "/isthmus/" + network.String() + "/heads/1" }

// KeyBlocksRequest asks for the key blocks above height From, in order, at most
// Limit of them. The answer may have fewer; none says that From is the newest.
type KeyBlocksRequest struct {
	From  uint64 `canoto:"uint,1"`
	Limit uint32 `canoto:"uint,2"`

	canotoData canotoData_KeyBlocksRequest
}

// KeyBlocksResponse holds consecutive key blocks.
type KeyBlocksResponse struct {
	Blocks []proofs.KeyBlock `canoto:"repeated value,1"`

	canotoData canotoData_KeyBlocksResponse
}

// SliceRequest asks for the queue towards Reader from message Start on, under the
// server's newest certified header. The answer is empty unless that header's
// Executed is at least After and its head tells the reader something: messages
// from Start on, an end other than the reader's knowledge allows (below Start),
// Settled advanced beyond what the reader knows, or anything if Bare.
type SliceRequest struct {
	Reader      proofs.NetworkID `canoto:"fixed bytes,1"`
	Incarnation uint64           `canoto:"uint,2"`
	Start       uint64           `canoto:"uint,3"`
	MaxMessages uint32           `canoto:"uint,4"`
	MaxBytes    uint32           `canoto:"uint,5"`
	After       uint64           `canoto:"uint,6"`
	Settled     uint64           `canoto:"uint,7"` // the reader knows its own queue to be settled up to here
	Bare        bool             `canoto:"bool,8"` // a head alone is news: the link is not active yet
	Left        bool             `canoto:"bool,9"` // with the compact range of [0, Start): our history may not be the certified one

	canotoData canotoData_SliceRequest
}

// HeadNews is what an announcement says of one queue head.
type HeadNews struct {
	Peer        proofs.NetworkID `canoto:"fixed bytes,1"`
	Incarnation uint64           `canoto:"uint,2"`
	End         uint64           `canoto:"uint,3"`
	Acked       uint64           `canoto:"uint,4"`
	Settled     uint64           `canoto:"uint,5"`
	Outcomes    uint32           `canoto:"uint,6"` // how many the head lists

	canotoData canotoData_HeadNews
}

// Announcement is what a node gossips when a newly certified header changes a
// head or is a key block. It proves nothing: it tells readers when to ask.
type Announcement struct {
	Network   proofs.NetworkID `canoto:"fixed bytes,1"`
	Height    uint64           `canoto:"uint,2"`
	Executed  uint64           `canoto:"uint,3"`
	Epoch     uint64           `canoto:"uint,4"`
	KeyHeight uint64           `canoto:"uint,5"` // the newest key block, this header included
	Heads     []HeadNews       `canoto:"repeated value,6"`

	canotoData canotoData_Announcement
}

// AnnouncementOf makes the announcement of a certified header whose outbound root
// commits to heads. Who has more than MaxAnnouncedHeads passes those that
// changed; what is beyond the bound is left out, and its readers poll.
func AnnouncementOf(h *proofs.Header, heads []proofs.QueueHead) *Announcement {
	a := &Announcement{Network: h.Network, Height: h.Height, Executed: h.Executed, Epoch: h.Epoch, KeyHeight: h.PreviousKeyHeight}
	if h.IsKeyBlock() {
		a.KeyHeight = h.Height
	}
	heads = heads[:min(len(heads), MaxAnnouncedHeads)]
	a.Heads = make([]HeadNews, len(heads))
	for i := range heads {
		q := &heads[i]
		n := &a.Heads[i]
		n.Peer, n.Incarnation, n.End = q.Peer, q.Incarnation, q.End
		n.Acked, n.Settled, n.Outcomes = q.Acked, q.Settled, uint32(len(q.Outcomes))
	}
	return a
}

// DecodeAnnouncement reads a gossiped announcement of network.
func DecodeAnnouncement(network proofs.NetworkID, b []byte) (*Announcement, error) {
	var a Announcement
	if err := proofs.Decode(&a, b, MaxAnnouncementBytes); err != nil {
		return nil, fmt.Errorf("announcement: %w", err)
	}
	switch {
	case a.Network != network:
		return nil, fmt.Errorf("announcement: got network %s, want %s: %w", a.Network.Short(), network.Short(), proofs.ErrNetwork)
	case len(a.Heads) > MaxAnnouncedHeads:
		return nil, fmt.Errorf("announcement: got %d heads, want at most %d: %w", len(a.Heads), MaxAnnouncedHeads, proofs.ErrTooLarge)
	case a.Executed >= a.Height || a.KeyHeight > a.Height:
		return nil, fmt.Errorf("announcement: height %d with executed %d and key block %d: %w", a.Height, a.Executed, a.KeyHeight, proofs.ErrMalformed)
	}
	return &a, nil
}
