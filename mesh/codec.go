package mesh

import (
	"encoding/binary"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
)

// The layouts of all state values of this package. Integers are big-endian and
// every length is fixed, so that one value has one form. Reading is strict: what
// does not encode to the same bytes again is ErrCorrupt.

// trustPoint is the part of a proofs.Trust that is not the set itself.
type trustPoint struct {
	epoch, keyHeight uint64
	keyID            proofs.Hash
	time             uint64
	setHash          proofs.Hash // zero: there is none
}

// record is what the state knows of a peer (docs/spec/mesh.md, "peer/").
type record struct {
	state       State // never Paused: that is the flag, so that a resumed link is where it was
	paused      bool
	reason      reason
	detail      uint64 // a height, an index or a version, by reason
	incarnation uint64
	window      uint64
	gasRate     uint64
	period      uint64 // trust period, ms; of a registered peer the act's, 0 for the peer's own
	drift       uint64 // most clock drift, ms
	trust, old  trustPoint
}

const recordFormat = 1

func (r *record) encode() []byte {
	b := make([]byte, 0, recordSize)
	b = append(b, recordFormat, byte(r.state), flag(r.paused), byte(r.reason))
	for _, v := range [...]uint64{r.detail, r.incarnation, r.window, r.gasRate, r.period, r.drift} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return r.old.encode(r.trust.encode(b))
}

const (
	trustPointSize = 8 + 8 + 32 + 8 + 32
	recordSize     = 4 + 6*8 + 2*trustPointSize
)

func (t *trustPoint) encode(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, t.epoch)
	b = binary.BigEndian.AppendUint64(b, t.keyHeight)
	b = append(b, t.keyID[:]...)
	b = binary.BigEndian.AppendUint64(b, t.time)
	return append(b, t.setHash[:]...)
}

func decodeRecord(b []byte) (*record, error) {
	f := fields{b: b}
	if format := f.u8(); format != recordFormat {
		f.fail = true
	}
	r := &record{state: State(f.u8()), paused: f.flag(), reason: reason(f.u8())}
	for _, v := range [...]*uint64{&r.detail, &r.incarnation, &r.window, &r.gasRate, &r.period, &r.drift} {
		*v = f.u64()
	}
	for _, t := range [...]*trustPoint{&r.trust, &r.old} {
		t.epoch, t.keyHeight, t.keyID, t.time, t.setHash = f.u64(), f.u64(), f.hash(), f.u64(), f.hash()
	}
	if r.state < Registered || r.state > Frozen || r.reason >= reasonCount || r.incarnation == 0 {
		f.fail = true
	}
	return r, f.end("peer record")
}

// remote is the newest inducted head of a peer's queue towards us, under
// proofs.HeadKey: what the peer's network certified, merged by maximum.
type remote struct {
	incarnation  uint64
	height       uint64 // of the header that showed it
	id           proofs.Hash
	executed     uint64
	executedTime uint64
	begin, end   uint64
	root         proofs.Hash
	acked        uint64
	settled      uint64
}

func (h *remote) encode() []byte {
	b := make([]byte, 0, 8*8+2*32)
	b = binary.BigEndian.AppendUint64(b, h.incarnation)
	b = binary.BigEndian.AppendUint64(b, h.height)
	b = append(b, h.id[:]...)
	for _, v := range [...]uint64{h.executed, h.executedTime, h.begin, h.end} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	b = append(b, h.root[:]...)
	b = binary.BigEndian.AppendUint64(b, h.acked)
	return binary.BigEndian.AppendUint64(b, h.settled)
}

func decodeRemote(b []byte) (*remote, error) {
	f := fields{b: b}
	h := &remote{incarnation: f.u64(), height: f.u64(), id: f.hash()}
	h.executed, h.executedTime, h.begin, h.end = f.u64(), f.u64(), f.u64(), f.u64()
	h.root, h.acked, h.settled = f.hash(), f.u64(), f.u64()
	return h, f.end("remote head")
}

// refund is what is given back, and to whom, if a sent message fails.
type refund struct {
	account  proofs.AccountID
	asset    proofs.AssetID // its name here
	amount   proofs.Amount
	deadline uint64
	id       proofs.Hash // of the message
}

func (r *refund) encode() []byte {
	b := make([]byte, 0, 32+64+16+8+32)
	b = append(append(append(b, r.account[:]...), r.asset[:]...), r.amount[:]...)
	return append(binary.BigEndian.AppendUint64(b, r.deadline), r.id[:]...)
}

func decodeRefund(b []byte) (*refund, error) {
	f := fields{b: b}
	r := &refund{account: f.hash(), asset: proofs.AssetID(f.take(64)), amount: f.amount(), deadline: f.u64(), id: f.hash()}
	return r, f.end("refund record")
}

func (w *Flow) encode() []byte {
	return append(append(append(make([]byte, 0, 48), w.Sent[:]...), w.Received[:]...), w.Refunded[:]...)
}

func decodeFlow(b []byte) (*Flow, error) {
	f := fields{b: b}
	w := &Flow{Sent: f.amount(), Received: f.amount(), Refunded: f.amount()}
	return w, f.end("flow")
}

// seen names an inducted header, and its place in the header log.
type seen struct {
	id    proofs.Hash
	index uint64
}

func (s *seen) encode() []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 40), s.id[:]...), s.index)
}

func decodeSeen(b []byte) (*seen, error) {
	f := fields{b: b}
	s := &seen{id: f.hash(), index: f.u64()}
	return s, f.end("seen header")
}

// evidence names the two headers whose certified forms are entries 0 and 1 of the
// evidence log.
type evidence struct {
	height uint64
	a, b   proofs.Hash
}

func (e *evidence) encode() []byte {
	return append(append(binary.BigEndian.AppendUint64(make([]byte, 0, 72), e.height), e.a[:]...), e.b[:]...)
}

func encodeU64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func decodeU64(b []byte) (uint64, error) {
	f := fields{b: b}
	v := f.u64()
	return v, f.end("number")
}

func encodeCode(c proofs.Code) []byte { return binary.BigEndian.AppendUint32(nil, uint32(c)) }

func decodeCode(b []byte) (proofs.Code, error) {
	f := fields{b: b}
	c := proofs.Code(f.u32())
	if c == proofs.CodeOK {
		f.fail = true
	}
	return c, f.end("outcome")
}

// encodeSet lists the members: node key (32), BLS key (96), weight (8) and
// possession (48) for each, after their number (4).
func encodeSet(s *proofs.ValidatorSet) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(s.Len()))
	for i := range s.Len() {
		m := s.At(i)
		b = append(append(b, m.Node[:]...), m.Key[:]...)
		b = append(binary.BigEndian.AppendUint64(b, m.Weight), m.Possession[:]...)
	}
	return b
}

func decodeSet(b []byte) (*proofs.ValidatorSet, error) {
	f := fields{b: b}
	n := f.u32()
	if n > proofs.MaxValidators {
		return nil, fmt.Errorf("validator set: got %d members, want at most %d: %w", n, proofs.MaxValidators, ErrCorrupt)
	}
	members := make([]proofs.Validator, n)
	for i := range members {
		m := &members[i]
		m.Node = f.hash()
		copy(m.Key[:], f.take(len(m.Key)))
		m.Weight = f.u64()
		copy(m.Possession[:], f.take(len(m.Possession)))
	}
	if err := f.end("validator set"); err != nil {
		return nil, err
	}
	set, err := proofs.NewValidatorSet(members)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return set, nil
}

// fields reads fixed fields off a value. After the first that is missing or out
// of range all are zero and end says so.
type fields struct {
	b    []byte
	fail bool
}

func (f *fields) take(n int) []byte {
	if len(f.b) < n {
		f.fail, f.b = true, nil
		return make([]byte, n)
	}
	v := f.b[:n]
	f.b = f.b[n:]
	return v
}

func (f *fields) u8() uint8             { return f.take(1)[0] }
func (f *fields) u32() uint32           { return binary.BigEndian.Uint32(f.take(4)) }
func (f *fields) u64() uint64           { return binary.BigEndian.Uint64(f.take(8)) }
func (f *fields) hash() [32]byte        { return [32]byte(f.take(32)) }
func (f *fields) amount() proofs.Amount { return proofs.Amount(f.take(16)) }

func (f *fields) flag() bool {
	v := f.u8()
	f.fail = f.fail || v > 1
	return v == 1
}

func (f *fields) end(what string) error {
	if f.fail || len(f.b) != 0 {
		return fmt.Errorf("%s: %d bytes left over, or a field out of range: %w", what, len(f.b), ErrCorrupt)
	}
	return nil
}

func flag(v bool) byte {
	if v {
		return 1
	}
	return 0
}
