package proofs

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// HexHash is a hash that JSON shows in hexadecimal.
type HexHash Hash

func (h HexHash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes lower-case hexadecimal.
func (h HexHash) MarshalText() ([]byte, error) { return marshalHex(h[:]) }

// UnmarshalText reads 64 hexadecimal digits.
func (h *HexHash) UnmarshalText(b []byte) error { return unmarshalHex("hash", h[:], b) }

// Statement is what a verified proof file proves: which networks certified it, and
// one of the fields after that, by kind. What is not in it is not proved. It
// is made by [File.Verify] only, and is for reading: as text by [Statement.Lines].
type Statement struct {
	Kind     FileKind    `json:"kind"`
	Networks []Certified `json:"networks"` // first the one that was asked for

	Message      *ProvedMessage      `json:"message,omitempty"`
	Receipt      *ProvedReceipt      `json:"receipt,omitempty"`
	Account      *ProvedAccount      `json:"account,omitempty"`
	Absent       *ProvedAbsence      `json:"absent,omitempty"`
	Unexecuted   *ProvedUnexecuted   `json:"unexecuted,omitempty"`
	Conservation *ProvedConservation `json:"conservation,omitempty"`
}

// Certified says which header of a network a proof rests on, and who signed it.
// Times are in milliseconds since the Unix epoch.
type Certified struct {
	Network  NetworkID `json:"network"`
	Name     string    `json:"name"` // what the network calls itself
	Symbol   string    `json:"symbol"`
	Decimals uint8     `json:"decimals"`

	Epoch        uint64  `json:"epoch"`
	Height       uint64  `json:"height"`
	Header       HexHash `json:"header"`
	Time         uint64  `json:"time_ms"`
	Executed     uint64  `json:"executed"`         // the state is that after this block
	ExecutedTime uint64  `json:"executed_time_ms"` // and as of this time
	Age          uint64  `json:"age_ms"`           // of that state when it was read

	Set     HexHash `json:"set"` // of validators that signed
	Signers int     `json:"signers"`
	Members int     `json:"members"`
	Weight  uint64  `json:"weight"` // of the signers
	Total   uint64  `json:"total_weight"`

	// Expired: the trust period was over when it was read. The signatures are
	// history: they prove nothing to who sees the file for the first time now, since
	// validators that were released may have signed it afterwards.
	Expired bool `json:"trust_expired"`
}

func newCertified(z *Zero, v *VerifiedHeader, set *ValidatorSet, signers int, weight uint64) *Certified {
	h := &v.header
	return &Certified{
		Network: h.Network, Name: z.Parameters.Name, Symbol: z.Parameters.Symbol, Decimals: z.Parameters.Decimals,
		Epoch: h.Epoch, Height: h.Height, Header: HexHash(v.id), Time: h.Time, Executed: h.Executed, ExecutedTime: h.ExecutedTime,
		Set: HexHash(set.hash), Signers: signers, Members: set.Len(), Weight: weight, Total: set.total,
	}
}

// ProvedMessage is a message in the network's queue for Destination.
type ProvedMessage struct {
	Message
	ID      HexHash `json:"id"`
	Cause   HexHash `json:"cause"`
	Begin   uint64  `json:"queue_begin"` // messages below are released
	End     uint64  `json:"queue_end"`
	Acked   uint64  `json:"acked"`   // of the destination's queue, here
	Settled uint64  `json:"settled"` // of the destination's queue, here
}

func (s *Statement) setMessage(m *VerifiedMessage) {
	h := &m.head.head
	s.Message = &ProvedMessage{
		Message: m.message, ID: HexHash(m.message.ID()), Cause: HexHash(m.message.Cause),
		Begin: h.Begin, End: h.End, Acked: h.Acked, Settled: h.Settled,
	}
}

// ProvedReceipt is an entry of the network's receipt log.
type ProvedReceipt struct {
	Receipt
	ID      HexHash `json:"id"`
	Body    HexHash `json:"body"`
	Outcome string  `json:"outcome"`
	Place   uint64  `json:"place"` // in the receipt log
	Emitted []HexID `json:"emitted,omitempty"`
}

// HexID is an emitted message with its id.
type HexID struct {
	EmittedRef
	ID HexHash `json:"id"`
}

func (s *Statement) setReceipt(v *VerifiedReceipt) {
	r := &v.receipt
	p := &ProvedReceipt{Receipt: *r, ID: HexHash(r.ID), Body: HexHash(r.Body), Outcome: r.Code.String(), Place: v.index}
	for _, e := range r.Emitted {
		p.Emitted = append(p.Emitted, HexID{EmittedRef: e, ID: HexHash(e.ID)})
	}
	s.Receipt = p
}

// ProvedBalance is a balance, in units of the asset, under its name abroad. Zero is
// proved as any other amount.
type ProvedBalance struct {
	Asset  AssetID `json:"asset"`
	Amount Amount  `json:"amount"`
}

// ProvedAccount is what an account has of some assets.
type ProvedAccount struct {
	Account  AccountID       `json:"account"`
	Balances []ProvedBalance `json:"balances"`
}

// ProvedAbsence is a raw key under which the state holds nothing.
type ProvedAbsence struct {
	Key hexBytes `json:"key"`
}

// hexBytes are bytes that JSON shows in hexadecimal.
type hexBytes []byte

// MarshalText writes lower-case hexadecimal.
func (b hexBytes) MarshalText() ([]byte, error) { return marshalHex(b) }

// ProvedUnexecuted is the body of an external message that was not executed by its
// expiry, in seconds, and never will be.
type ProvedUnexecuted struct {
	Body   HexHash `json:"body"`
	Expiry uint64  `json:"expiry_s"`
}

// ProvedConservation is an asset at home and at peers, in its smallest unit.
// Supply is the sum of all balances at home, with Fees; what is abroad or on the
// way is not in it.
type ProvedConservation struct {
	Asset  AssetID      `json:"asset"` // under its name abroad
	Supply Amount       `json:"home_supply"`
	Fees   Amount       `json:"home_fees"`
	Peers  []ProvedLink `json:"peers"`
}

// ProvedLink is an asset on one link. Claim is what is escrowed at home for the
// peer; Vouchers is what circulates there; Claim = Vouchers + ToPeer + ToHome. Sent,
// Received and Refunded are what crossed the link as the home has it.
type ProvedLink struct {
	Peer        NetworkID `json:"peer"`
	Incarnation uint64    `json:"incarnation"`
	Claim       Amount    `json:"claim"`
	Vouchers    Amount    `json:"vouchers"`
	ToPeer      Amount    `json:"in_flight_to_peer"` // or failed there and not yet refunded
	ToHome      Amount    `json:"in_flight_to_home"`
	Sent        Amount    `json:"sent"`
	Received    Amount    `json:"received"`
	Refunded    Amount    `json:"refunded"`
}

// Lines says in words what is proved, by which weight of which set, and as of
// when: one statement to a line. All of it is proved, but for the ages, which are
// as of the reading.
func (s *Statement) Lines() []string {
	lines := s.claimLines()
	for i := range s.Networks {
		lines = append(lines, s.Networks[i].lines()...)
	}
	return lines
}

func (s *Statement) claimLines() []string {
	home := &s.Networks[0]
	switch {
	case s.Message != nil:
		return s.Message.lines(home)
	case s.Receipt != nil:
		return s.Receipt.lines(home)
	case s.Account != nil:
		return s.Account.lines(home)
	case s.Absent != nil:
		return []string{fmt.Sprintf("The state of network %s holds nothing under the key %s (%q).", home.title(), hex.EncodeToString(s.Absent.Key), s.Absent.Key)}
	case s.Unexecuted != nil:
		return []string{fmt.Sprintf("Network %s executed no external message with body %s and expiry %s (second %d), and never will.",
			home.title(), s.Unexecuted.Body, stamp(s.Unexecuted.Expiry*1000), s.Unexecuted.Expiry)}
	case s.Conservation != nil:
		return s.Conservation.lines(home)
	}
	return nil
}

func (c *Certified) title() string { return c.Name + " (" + c.Network.String() + ")" }

func (c *Certified) lines() []string {
	lines := []string{
		fmt.Sprintf("Certified by network %s in epoch %d: header %d, id %s, of %s.", c.title(), c.Epoch, c.Height, c.Header, stamp(c.Time)),
		fmt.Sprintf("Signed by weight %d of %d: %d of the %d validators of set %s.", c.Weight, c.Total, c.Signers, c.Members, c.Set),
		fmt.Sprintf("True of %s after block %d, %s; read %s later.", c.Name, c.Executed, stamp(c.ExecutedTime), span(c.Age)),
	}
	if c.Expired {
		lines = append(lines, "HISTORY: the trust period is over. Validators that were released since could have signed this afterwards; it proves something only to who knows that the file is older than that.")
	}
	return lines
}

func (m *ProvedMessage) lines(home *Certified) []string {
	return []string{
		fmt.Sprintf("Network %s has in its queue for network %s, incarnation %d, at index %d, the message %s.", home.title(), m.Destination, m.Incarnation, m.Index, m.ID),
		fmt.Sprintf("It moves %s from account %s to account %s there.", amountText(m.Amount, m.Asset, home), m.Sender, m.Recipient),
		fmt.Sprintf("It was emitted %s, caused by %s; its deadline is %s by the destination's time. Payload: %q.", stamp(m.Emitted), m.Cause, stamp(m.Deadline), m.Payload),
		fmt.Sprintf("The queue holds messages [%d, %d); those below are released.", m.Begin, m.End),
	}
}

func (r *ProvedReceipt) lines(home *Certified) []string {
	what := map[ReceiptKind]string{ReceiptExternal: "the external message", ReceiptMessage: "the message", ReceiptAct: "the governance act"}[r.Kind]
	if what == "" {
		what = fmt.Sprintf("what kind %d names,", r.Kind)
	}
	lines := []string{fmt.Sprintf("Network %s executed %s %s in block %d, %s: %s.", home.title(), what, r.ID, r.Height, stamp(r.Time), r.Outcome)}
	if r.Kind == ReceiptMessage {
		lines = append(lines, fmt.Sprintf("It came from network %s, incarnation %d, index %d.", r.Source, r.Incarnation, r.Index))
	}
	lines = append(lines, fmt.Sprintf("It used %d gas and paid %s %s; it is entry %d of the receipt log.", r.Gas, r.Fee.Decimal(home.Decimals), home.Symbol, r.Place))
	for _, e := range r.Emitted {
		lines = append(lines, fmt.Sprintf("It emitted message %s to network %s, incarnation %d, index %d.", e.ID, e.Destination, e.Incarnation, e.Index))
	}
	return lines
}

func (a *ProvedAccount) lines(home *Certified) []string {
	var lines []string
	for _, b := range a.Balances {
		lines = append(lines, fmt.Sprintf("Account %s of network %s has %s.", a.Account, home.title(), amountText(b.Amount, b.Asset, home)))
	}
	return lines
}

func (c *ProvedConservation) lines(home *Certified) []string {
	lines := []string{fmt.Sprintf("At home, in network %s, the balances sum up to %s, of which %s are fees.",
		home.title(), amountText(c.Supply, c.Asset, home), amountText(c.Fees, c.Asset, home))}
	for _, l := range c.Peers {
		lines = append(lines,
			fmt.Sprintf("For network %s, %s are escrowed at home; vouchers for %s circulate there: not more than the claim.",
				l.Peer, amountText(l.Claim, c.Asset, home), amountText(l.Vouchers, c.Asset, home)),
			fmt.Sprintf("In flight to it %s, to home %s. Sent by home in all %s, received back %s, refunded %s.",
				amountText(l.ToPeer, c.Asset, home), amountText(l.ToHome, c.Asset, home),
				amountText(l.Sent, c.Asset, home), amountText(l.Received, c.Asset, home), amountText(l.Refunded, c.Asset, home)))
	}
	return lines
}

// amountText writes an amount with the asset's symbol if it is the network's own.
func amountText(a Amount, asset AssetID, home *Certified) string {
	if asset == NewAssetID(home.Network, Hash{}) {
		return a.Decimal(home.Decimals) + " " + home.Symbol
	}
	return a.String() + " units of asset " + asset.String()
}

// latest is the last time that is written as a date.
const latest = 253402300799999 // the end of the year 9999

func stamp(ms uint64) string {
	if ms > latest {
		return strconv.FormatUint(ms, 10) + " ms after 1970"
	}
	return time.UnixMilli(int64(ms)).UTC().Format("2006-01-02 15:04:05.000 MST")
}

func span(ms uint64) string {
	if ms > 1<<53 {
		return strconv.FormatUint(ms, 10) + " ms"
	}
	return (time.Duration(ms) * time.Millisecond).String()
}
