package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

// Header is the head of one block. The roots are those after executing block
// Executed ("e" in the design), which lies below Height, so that execution never
// delays ordering. The view is not in it: one header may be proposed again.
type Header struct {
	Version           uint32    `canoto:"uint,1" json:"version"`
	Network           NetworkID `canoto:"fixed bytes,2" json:"network"`
	Epoch             uint64    `canoto:"uint,3" json:"epoch"`
	SetHash           Hash      `canoto:"fixed bytes,4" json:"-"`
	Height            uint64    `canoto:"uint,5" json:"height"`
	Parent            Hash      `canoto:"fixed bytes,6" json:"-"`
	PreviousKeyHeight uint64    `canoto:"uint,7" json:"previous_key_height"`
	CutRoot           Hash      `canoto:"fixed bytes,8" json:"-"`
	Time              uint64    `canoto:"uint,9" json:"time_ms"` // milliseconds since the Unix epoch
	Executed          uint64    `canoto:"uint,10" json:"executed"`
	ExecutedTime      uint64    `canoto:"uint,11" json:"executed_time_ms"` // the time of block Executed
	StateRoot         Hash      `canoto:"fixed bytes,12" json:"-"`
	OutboundRoot      Hash      `canoto:"fixed bytes,13" json:"-"`
	ReceiptRoot       Hash      `canoto:"fixed bytes,14" json:"-"`
	ReceiptSize       uint64    `canoto:"uint,15" json:"receipts"`
	NextSetHash       Hash      `canoto:"fixed bytes,16" json:"-"` // zero unless this is a key block

	canotoData canotoData_Header
}

// IsKeyBlock reports whether h ends its epoch.
func (h *Header) IsKeyBlock() bool { return h.NextSetHash != Hash{} }

// ID is SHA-256 of the layout: the fields in the order of their numbers, the
// network in the layout's own place.
func (h *Header) ID() Hash {
	return NewLayout(h.Network, TypeHeader).
		U32(h.Version).U64(h.Epoch).Hash(h.SetHash).U64(h.Height).Hash(h.Parent).U64(h.PreviousKeyHeight).
		Hash(h.CutRoot).U64(h.Time).U64(h.Executed).U64(h.ExecutedTime).Hash(h.StateRoot).Hash(h.OutboundRoot).
		Hash(h.ReceiptRoot).U64(h.ReceiptSize).Hash(h.NextSetHash).Sum()
}

// MaxLinks bounds the linking headers of a CertifiedHeader.
const MaxLinks = 16

// Bounds of wire forms. A header has at most 356 bytes, a certificate of
// MaxValidators members 220; a delta names as many removals of 34 bytes as members
// of 195.
const (
	MaxCertifiedHeaderBytes = 16 << 10
	MaxKeyBlockBytes        = 256 << 10
)

// CertifiedHeader is the claim that a quorum finalised Header: the certificate is
// over the last of Links, or over Header itself if there are none. Links[0] is
// the child of Header, and so on.
type CertifiedHeader struct {
	Header      Header      `canoto:"value,1"`
	Links       []Header    `canoto:"repeated value,2"`
	Certificate Certificate `canoto:"value,3"`

	canotoData canotoData_CertifiedHeader
}

// KeyBlock is one link of the chain of validator sets: a key header, its own
// finalize certificate, and what turns the set that signed it into the next.
type KeyBlock struct {
	Header      Header      `canoto:"value,1"`
	Certificate Certificate `canoto:"value,2"`
	Next        SetDelta    `canoto:"value,3"`

	canotoData canotoData_KeyBlock
}

// VerifiedHeader is a header that a quorum of a followed validator set finalised.
// Only [Trust.VerifyHeader] and [Trust.Advance] make one.
type VerifiedHeader struct {
	header Header
	id     Hash
}

// Header returns a copy of the header.
func (v *VerifiedHeader) Header() Header { return v.header }

// ID returns the header's id.
func (v *VerifiedHeader) ID() Hash { return v.id }
