package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
)

// MaxFileBytes bounds a proof file.
const MaxFileBytes = 64 << 20

// A proof file is fileMagic, whose last byte is the version of the format; SHA-256
// of magic and body; and the body. The digest proves nothing. It finds damage
// before anything is parsed, also where damage would leave a proof of something
// else: what shows one key absent shows many.
const (
	fileMagic  = "isthprf1"
	fileHeader = len(fileMagic) + 32
)

func fileDigest(body []byte) Hash {
	h := sha256.New()
	h.Write([]byte(fileMagic))
	h.Write(body)
	return Hash(h.Sum(nil))
}

// Errors of proof files. Both say that bytes can never prove what they claim.
const (
	// ErrCut: certified states do not fit together: one has consumed what the other
	// has not sent yet.
	ErrCut Error = "no consistent cut"
	// ErrConservation: certified sums contradict each other: value came from nowhere.
	ErrConservation Error = "value not conserved"
)

// FileKind says what a proof file proves.
type FileKind uint8

// The kinds of proof files. Values are part of the format and are never reused.
const (
	FileMessage      FileKind = 1 // a message in a queue: MessageClaim
	FileReceipt      FileKind = 2 // an execution: ReceiptClaim
	FileAccount      FileKind = 3 // balances: AccountClaim
	FileKeyAbsence   FileKind = 4 // the state holds nothing under a key: KeyAbsenceClaim
	FileBodyAbsence  FileKind = 5 // an external message was never executed: BodyAbsenceClaim
	FileConservation FileKind = 6 // an asset at home and abroad: ConservationClaim
)

var fileKinds = [...]string{
	FileMessage: "message", FileReceipt: "receipt", FileAccount: "account", FileKeyAbsence: "absence",
	FileBodyAbsence: "unexecuted", FileConservation: "conservation",
}

// String names the kind.
func (k FileKind) String() string {
	if k == 0 || int(k) >= len(fileKinds) {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return fileKinds[k]
}

// MarshalText writes the name.
func (k FileKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Chain leads from a network's id to one certified header: what hashes to the id,
// the key blocks after it, and the header. Key blocks that keep the set may be
// left out: the same set signs on.
type Chain struct {
	Zero      ZeroHeader      `canoto:"value,1"`
	KeyBlocks []KeyBlock      `canoto:"repeated value,2"`
	Header    CertifiedHeader `canoto:"value,3"`

	canotoData canotoData_Chain
}

// fileBody is what follows the digest.
type fileBody struct {
	Kind   FileKind `canoto:"uint,1"`
	Chains []Chain  `canoto:"repeated value,2"`
	Claim  []byte   `canoto:"bytes,3"` // the wire form of the kind's claim

	canotoData canotoData_fileBody
}

// Claim is what a proof file claims of its certified headers: a *MessageClaim,
// *ReceiptClaim, *AccountClaim, *KeyAbsenceClaim, *BodyAbsenceClaim or
// *ConservationClaim.
type Claim interface {
	wireMessage
	MarshalCanoto() []byte
	// Kind returns the kind of files that hold the claim.
	Kind() FileKind
	// check does what needs no header and no cryptography; chains is how many there are.
	check(chains int) error
	// verify adds what is proved to s. The first header is that of the file's network.
	verify(headers []*VerifiedHeader, s *Statement) error
}

// File is a proof that needs nothing beside it but a network's id. It is unchecked:
// see [File.Verify].
type File struct {
	Chains []Chain // the network's own, and those of the peers that the claim is about
	Claim  Claim
}

// Kind says what the file claims to prove.
func (f *File) Kind() FileKind { return f.Claim.Kind() }

// Marshal returns the file's bytes. Errors: ErrTooLarge.
func (f *File) Marshal() ([]byte, error) {
	body := fileBody{Kind: f.Kind(), Chains: f.Chains, Claim: f.Claim.MarshalCanoto()}
	wire := body.MarshalCanoto()
	sum := fileDigest(wire)
	b := append(append([]byte(fileMagic), sum[:]...), wire...)
	if len(b) > MaxFileBytes {
		return nil, fmt.Errorf("proof file: got %d bytes, want at most %d: %w", len(b), MaxFileBytes, ErrTooLarge)
	}
	return b, nil
}

// ParseFile reads a proof file. It does no cryptography and believes nothing.
// Errors: ErrTooLarge, ErrMalformed, ErrNotCanon, ErrVersion for a later format or
// an unknown kind.
func ParseFile(b []byte) (*File, error) {
	if len(b) > MaxFileBytes {
		return nil, fmt.Errorf("proof file: got %d bytes, want at most %d: %w", len(b), MaxFileBytes, ErrTooLarge)
	}
	wire, err := openFile(b)
	if err != nil {
		return nil, fmt.Errorf("proof file: %w", err)
	}
	var body fileBody
	if err := Decode(&body, wire, MaxFileBytes); err != nil {
		return nil, fmt.Errorf("proof file: %w", err)
	}
	claim := newClaim(body.Kind)
	if claim == nil {
		return nil, fmt.Errorf("proof file: got kind %d, want 1 to %d: %w", body.Kind, len(fileKinds)-1, ErrVersion)
	}
	if err := Decode(claim, body.Claim, MaxFileBytes); err != nil {
		return nil, fmt.Errorf("proof file: %s: %w", body.Kind, err)
	}
	f := &File{Chains: body.Chains, Claim: claim}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f, nil
}

// openFile returns the body of a file that is not damaged.
func openFile(b []byte) ([]byte, error) {
	got := b[:min(len(b), len(fileMagic))]
	switch known := string(got) == fileMagic; {
	case !known && len(got) == len(fileMagic) && bytes.HasPrefix(got, []byte(fileMagic[:len(fileMagic)-1])):
		return nil, fmt.Errorf("got format %q, want %q: %w", got, fileMagic, ErrVersion)
	case !known:
		return nil, fmt.Errorf("got %q as its first bytes, want %q: %w", got, fileMagic, ErrMalformed)
	case len(b) < fileHeader:
		return nil, fmt.Errorf("got %d bytes, want at least %d: %w", len(b), fileHeader, ErrMalformed)
	}
	body := b[fileHeader:]
	if got, want := fileDigest(body), Hash(b[len(fileMagic):fileHeader]); got != want {
		return nil, fmt.Errorf("damaged: got digest %x, want %x: %w", got[:4], want[:4], ErrMalformed)
	}
	return body, nil
}

func newClaim(k FileKind) Claim {
	switch k {
	case FileMessage:
		return new(MessageClaim)
	case FileReceipt:
		return new(ReceiptClaim)
	case FileAccount:
		return new(AccountClaim)
	case FileKeyAbsence:
		return new(KeyAbsenceClaim)
	case FileBodyAbsence:
		return new(BodyAbsenceClaim)
	case FileConservation:
		return new(ConservationClaim)
	}
	return nil
}

// check does what needs no cryptography.
func (f *File) check() error {
	if len(f.Chains) == 0 || len(f.Chains) > 1 && f.Kind() != FileConservation {
		return fmt.Errorf("proof file: %s: got %d chains: %w", f.Kind(), len(f.Chains), ErrNotCanon)
	}
	if err := f.Claim.check(len(f.Chains)); err != nil {
		return fmt.Errorf("proof file: %s: %w", f.Kind(), err)
	}
	return nil
}

// Reading says when a file is read, and what the reader demands of its age.
type Reading struct {
	Now uint64 // ms since the Unix epoch
	// MaxAge, in ms, is the most time since the execution that a file shows the
	// state after; 0 is any: a file is history.
	MaxAge uint64
	// InTrust demands that the headers are within their networks' trust periods.
	// Past it the validators that signed may have been released from their duty:
	// whoever holds their old keys by then can sign another history.
	InTrust bool
	// Rand, unless nil, lets many key blocks be verified together, in a quarter of
	// the time (see [Trust.AdvanceMany]). It must be unpredictable to those who made
	// the file: crypto/rand.Reader.
	Rand io.Reader
}

// Verify checks everything, from network, which the caller knows by other means,
// to the claim. The statement says what is proved, by whom, and as of when.
//
// Errors: ErrNetwork for a file of another network, ErrExpired for one too old for
// r, those of [Trust.VerifyHeader] and [Trust.Advance], and those of the claim:
// ErrBranch, ErrRoot, ErrNotCanon, ErrMalformed, ErrIndex, ErrTime, ErrCut,
// ErrConservation and others that can never become valid.
func (f *File) Verify(network NetworkID, r Reading) (*Statement, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	for i := range f.Chains {
		if err := f.Chains[i].precheck(r); err != nil {
			return nil, err
		}
	}
	if got := f.Chains[0].Header.Header.Network; got != network {
		return nil, fmt.Errorf("proof file of network %s, want %s: %w", got, network, ErrNetwork)
	}
	s := &Statement{Kind: f.Kind()}
	headers := make([]*VerifiedHeader, len(f.Chains))
	for i := range f.Chains {
		v, c, err := f.Chains[i].Verify(f.Chains[i].Header.Header.Network, r)
		if err != nil {
			return nil, err
		}
		headers[i], s.Networks = v, append(s.Networks, *c)
	}
	if err := f.Claim.verify(headers, s); err != nil {
		return nil, err
	}
	return s, nil
}

// precheck refuses what is too old before any cryptography.
func (c *Chain) precheck(r Reading) error {
	h := &c.Header.Header
	if r.MaxAge == 0 || r.Now <= h.ExecutedTime || r.Now-h.ExecutedTime <= r.MaxAge {
		return nil
	}
	return fmt.Errorf("state of %s after block %d: got an age of %d ms, want at most %d: %w", h.Network.Short(), h.Executed, r.Now-h.ExecutedTime, r.MaxAge, ErrExpired)
}

// Verify follows the chain from the network's id to its header, and says who
// certified it. A header that is the last of the key blocks is not canonical: it
// is shown with its own certificate, and so without that key block.
func (c *Chain) Verify(network NetworkID, r Reading) (*VerifiedHeader, *Certified, error) {
	zero, err := c.Zero.CheckID(network)
	if err != nil {
		return nil, nil, err
	}
	t, clock := NewTrust(zero), Clock{Now: r.Now, Historical: true}
	if t, err = c.follow(t, clock, r.Rand); err != nil {
		return nil, nil, err
	}
	if t.isKeyBlock(&c.Header.Header) {
		return nil, nil, fmt.Errorf("header %d of %s: got it among the key blocks as well: %w", t.KeyHeight, network.Short(), ErrNotCanon)
	}
	v, err := t.VerifyHeader(&c.Header, clock)
	if err != nil {
		return nil, nil, err
	}
	signers, weight, err := c.Header.Certificate.Quorum.Signers(t.Set)
	if err != nil {
		return nil, nil, err
	}
	t = t.Refresh(v)
	s := newCertified(zero, v, t.Set, len(signers), weight)
	s.Age, s.Expired = r.Now-min(r.Now, s.ExecutedTime), t.Expired(r.Now)
	if r.InTrust && s.Expired {
		return nil, nil, fmt.Errorf("header %d of %s: signed %d ms ago, trust period is %d: %w", s.Height, network.Short(), r.Now-t.Time, t.TrustPeriod, ErrExpired)
	}
	return v, s, nil
}

// follow walks along the key blocks.
func (c *Chain) follow(t Trust, clock Clock, rand io.Reader) (Trust, error) {
	if rand != nil {
		t, headers, err := t.AdvanceMany(c.KeyBlocks, clock, rand)
		if err != nil {
			return t, fmt.Errorf("key block %d of %d: %w", len(headers)+1, len(c.KeyBlocks), err)
		}
		return t, nil
	}
	for i := range c.KeyBlocks {
		var err error
		if t, _, err = t.Advance(&c.KeyBlocks[i], clock); err != nil {
			return t, fmt.Errorf("key block %d of %d: %w", i+1, len(c.KeyBlocks), err)
		}
	}
	return t, nil
}
