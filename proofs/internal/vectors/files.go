package main

import (
	"crypto/sha256"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
)

// proofFile is a proof file that is read at Now, ms, by who knows Network and
// demands an age of at most MaxAge ms; 0 is any.
type proofFile struct {
	Desc    string `json:"desc"`
	Kind    string `json:"kind"`
	Network string `json:"network"`
	Now     string `json:"now"`
	MaxAge  string `json:"maxAge"`
	Hex     string `json:"hex"`
	WantErr string `json:"wantErr"`
}

// sealed builds a file from its parts by hand: docs/spec/file.md.
func sealed(body []byte) []byte {
	sum := sha256.Sum256(append([]byte("isthprf1"), body...))
	return append(append([]byte("isthprf1"), sum[:]...), body...)
}

func fileBytes(f *proofs.File) []byte {
	b, err := f.Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

// exampleFile is the one that the package's example verifies.
func exampleFile() []byte {
	b := prooftest.NewBook(4, true)
	return fileBytes(b.AccountFile(b.Holder, proofs.NativeAsset))
}

type addFile func(desc, wantErr string, rotate bool, file func(b *prooftest.Book) *proofs.File, change func(b *prooftest.Book, f *proofs.File, row *proofFile))

func fileRows() (rows []proofFile) {
	add := func(desc, wantErr string, rotate bool, file func(b *prooftest.Book) *proofs.File, change func(b *prooftest.Book, f *proofs.File, row *proofFile)) {
		b := prooftest.NewBook(2, rotate)
		f := file(b)
		row := proofFile{
			Desc: desc, Kind: f.Kind().String(), Network: b.Home.ID().String(), Now: fmt.Sprint(b.Reading().Now), MaxAge: "0", WantErr: wantErr,
		}
		if change != nil {
			change(b, f, &row)
		}
		if row.Hex == "" {
			row.Hex = hexOf(fileBytes(f))
		}
		rows = append(rows, row)
	}
	for _, name := range []string{"message", "receipt", "account", "absence", "unexecuted", "conservation"} {
		file := func(b *prooftest.Book) *proofs.File { return b.Files()[name] }
		add(name, "", false, file, nil)
		add(name+", across a key block", "", true, file, nil)
	}
	addBadContainers(add)
	addBadChains(add)
	addBadClaims(add)
	return rows
}

func receiptFile(b *prooftest.Book) *proofs.File { return b.ReceiptFile(3) }

func addBadContainers(add addFile) {
	bytes := func(desc, wantErr string, change func(data []byte) []byte) {
		add(desc, wantErr, false, receiptFile, func(_ *prooftest.Book, f *proofs.File, row *proofFile) { row.Hex = hexOf(change(fileBytes(f))) })
	}
	bytes("another magic", "malformed", func(d []byte) []byte { d[0] ^= 1; return d })
	bytes("a later format", "unknown protocol version", func(d []byte) []byte { d[7]++; return d })
	bytes("damaged digest", "malformed", func(d []byte) []byte { d[8] ^= 1; return d })
	bytes("damaged body", "malformed", func(d []byte) []byte { d[len(d)-1] ^= 1; return d })
	bytes("cut", "malformed", func(d []byte) []byte { return d[:len(d)-1] })
	bytes("cut, digest that fits", "malformed", func(d []byte) []byte { return sealed(d[40 : len(d)-1]) })
	bytes("a byte more, digest that fits", "malformed", func(d []byte) []byte { return sealed(append(d[40:], 0)) })
	bytes("unknown kind", "unknown protocol version", func(d []byte) []byte { d[41] = 7; return sealed(d[40:]) })
	bytes("read as another kind", "malformed", func(d []byte) []byte { d[41] = 3; return sealed(d[40:]) })
	bytes("no body", "unknown protocol version", func([]byte) []byte { return sealed(nil) })
}

func addBadChains(add addFile) {
	add("of another network", "wrong network", false, receiptFile, func(b *prooftest.Book, _ *proofs.File, row *proofFile) { row.Network = b.Abroad.ID().String() })
	add("zero-header of another network", "wrong network", false, receiptFile, func(b *prooftest.Book, f *proofs.File, _ *proofFile) {
		f.Chains[0].Zero = b.Abroad.Zero.ZeroHeader
	})
	add("two chains", "not canonical", false, receiptFile, func(b *prooftest.Book, f *proofs.File, _ *proofFile) { f.Chains = append(f.Chains, b.Chain(b.Abroad)) })
	add("half of the weight", "quorum not reached", false, receiptFile, func(b *prooftest.Book, f *proofs.File, _ *proofFile) {
		f.Chains[0].Header = b.Home.Certify(f.Chains[0].Header.Header, 0)
	})
	add("key block left out", "epoch not followed", true, receiptFile, func(_ *prooftest.Book, f *proofs.File, _ *proofFile) { f.Chains[0].KeyBlocks = nil })
	add("key block twice", "already superseded", true, receiptFile, func(_ *prooftest.Book, f *proofs.File, _ *proofFile) {
		f.Chains[0].KeyBlocks = append(f.Chains[0].KeyBlocks, f.Chains[0].KeyBlocks[0])
	})
	add("the header is the last key block", "not canonical", true, receiptFile, func(b *prooftest.Book, f *proofs.File, _ *proofFile) {
		f.Chains[0].Header = proofs.CertifiedHeader{Header: b.Rotated[0].Header, Certificate: b.Rotated[0].Certificate}
	})
	add("from the future", "time ahead of the local clock", false, receiptFile, func(_ *prooftest.Book, f *proofs.File, row *proofFile) {
		row.Now = fmt.Sprint(f.Chains[0].Header.Header.Time - prooftest.Drift - 1)
	})
	add("of the greatest age", "", false, receiptFile, func(b *prooftest.Book, f *proofs.File, row *proofFile) {
		row.MaxAge = fmt.Sprint(b.Reading().Now - f.Chains[0].Header.Header.ExecutedTime)
	})
	add("too old", "trust expired", false, receiptFile, func(b *prooftest.Book, f *proofs.File, row *proofFile) {
		row.MaxAge = fmt.Sprint(b.Reading().Now - f.Chains[0].Header.Header.ExecutedTime - 1)
	})
}

func addBadClaims(add addFile) {
	message := func(b *prooftest.Book) *proofs.File { return b.MessageFile(4) }
	account := func(b *prooftest.Book) *proofs.File { return b.AccountFile(b.Holder, proofs.NativeAsset) }
	unexecuted := func(b *prooftest.Book) *proofs.File { return b.UnexecutedFile(proofs.Hash{0x25}) }
	add("message changed", "bad branch", false, message, func(_ *prooftest.Book, f *proofs.File, _ *proofFile) {
		f.Claim.(*proofs.MessageClaim).Message.Amount[15] ^= 1
	})
	add("message beyond the queue", "bad index", false, message, func(_ *prooftest.Book, f *proofs.File, _ *proofFile) {
		f.Claim.(*proofs.MessageClaim).Message.Index = 7
	})
	add("receipt in another place", "bad branch", false, receiptFile, func(_ *prooftest.Book, f *proofs.File, _ *proofFile) {
		f.Claim.(*proofs.ReceiptClaim).Index--
	})
	add("balance changed", "bad branch", false, account, func(_ *prooftest.Book, f *proofs.File, _ *proofFile) {
		f.Claim.(*proofs.AccountClaim).Balances[0].Entry.Value[15] ^= 1
	})
	add("own asset under its name abroad", "not canonical", false, func(b *prooftest.Book) *proofs.File {
		return b.AccountFile(b.Holder, proofs.NewAssetID(b.Home.ID(), proofs.Hash{}))
	}, nil)
	add("key that is there", "bad branch", false, func(b *prooftest.Book) *proofs.File { return b.AbsenceFile(proofs.FeesKey()) }, nil)
	add("body that was executed", "bad branch", false, func(b *prooftest.Book) *proofs.File { return b.UnexecutedFile(b.Bodies[2]) }, nil)
	add("neighbour left out", "bad branch", false, unexecuted, func(b *prooftest.Book, f *proofs.File, _ *proofFile) {
		f.Claim.(*proofs.BodyAbsenceClaim).Left = b.Neighbour(0)
	})
	add("open bucket", "bad time", false, func(b *prooftest.Book) *proofs.File {
		log := proofs.LogKey(proofs.BucketLog(b.Expiry))
		b.Expiry++
		b.HomeState[string(proofs.LogKey(proofs.BucketLog(b.Expiry)))] = b.HomeState[string(log)]
		return b.UnexecutedFile(proofs.Hash{0x25})
	}, nil)
	conservation := func(desc, wantErr string, change func(b *prooftest.Book)) {
		add(desc, wantErr, false, func(b *prooftest.Book) *proofs.File { change(b); return b.ConservationFile() }, nil)
	}
	conservation("vouchers beyond the flows", "value not conserved", func(b *prooftest.Book) {
		a := proofs.NewAmount(181)
		b.AbroadState[string(proofs.SupplyKey(proofs.NewAssetID(b.Home.ID(), proofs.Hash{})))] = a[:]
	})
	conservation("more arrived than was sent", "value not conserved", func(b *prooftest.Book) {
		voucher, a := proofs.NewAssetID(b.Home.ID(), proofs.Hash{}), proofs.NewAmount(781)
		b.AbroadState[string(proofs.FlowKey(b.Home.ID(), 1, voucher))] = prooftest.Flow(120, 901, 0)
		b.AbroadState[string(proofs.SupplyKey(voucher))] = a[:]
	})
	conservation("home's state too old", "no consistent cut", func(b *prooftest.Book) {
		b.HomeState[string(proofs.LogKey(proofs.OutLog(b.Abroad.ID(), 1)))] = prooftest.Summary(0, b.Queue.Leaves()[:4])
	})
	conservation("flows of an earlier incarnation only", "wrong incarnation", func(b *prooftest.Book) {
		b.HomeState[string(proofs.PeerKey(b.Abroad.ID()))] = prooftest.PeerRecord(2)
	})
}
