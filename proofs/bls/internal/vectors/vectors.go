// Package vectors makes the golden vectors of proofs/bls: every encoding and
// every refusal as language-neutral JSON, byte strings in hex. The command
// genvectors writes them, a test of proofs/bls compares and replays them.
// Nothing else imports it.
package vectors

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs/bls"
)

// File is one file of vectors.
type File struct {
	Name string // without a directory
	Data []byte // indented JSON, one array
}

// Parse is one input of a parser. WantErr is the name of the error kind of
// proofs/bls, empty if the input is accepted and encodes to Hex again.
type Parse struct {
	Desc    string `json:"desc"`
	Hex     string `json:"hex"`
	WantErr string `json:"wantErr"`
}

// Sign is one key and what it makes of one message.
type Sign struct {
	Desc       string `json:"desc"`
	Seed       string `json:"seed"` // input of key generation
	SecretKey  string `json:"secretKey"`
	PublicKey  string `json:"publicKey"`
	Owner      string `json:"owner"`
	Possession string `json:"possession"`
	Msg        string `json:"msg"`
	Vote       string `json:"vote"`
	Signature  string `json:"signature"`
}

// Possession is one proof of possession and the verdict on it.
type Possession struct {
	Desc      string `json:"desc"`
	PublicKey string `json:"publicKey"`
	Owner     string `json:"owner"`
	Proof     string `json:"proof"`
	WantErr   string `json:"wantErr"`
}

// Aggregate is one list of votes on Msg. Signature is their aggregate, empty
// if aggregation fails with WantErr; otherwise WantErr is what verification of
// it says. Bad lists the votes that a search for blame names.
type Aggregate struct {
	Desc       string   `json:"desc"`
	PublicKeys []string `json:"publicKeys"`
	Msg        string   `json:"msg"`
	Votes      []string `json:"votes"`
	Signature  string   `json:"signature"`
	WantErr    string   `json:"wantErr"`
	Bad        []int    `json:"bad"`
}

// Files makes all files, in a fixed order and always the same.
func Files() ([]File, error) {
	var files []File
	for _, f := range []struct {
		name string
		rows any
	}{
		{"parse_public_key.json", parsePublicKey()},
		{"parse_signature.json", parseSignature()},
		{"parse_vote.json", parseVote()},
		{"sign.json", signRows()},
		{"possession.json", possessionRows()},
		{"aggregate.json", aggregateRows()},
	} {
		data, err := json.MarshalIndent(f.rows, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		files = append(files, File{Name: f.name, Data: append(data, '\n')})
	}
	return files, nil
}

// Key returns the key whose seed is 32 times b. Vectors and tests share it.
func Key(b byte) *bls.SecretKey {
	sk, err := bls.GenerateKey(bytes.NewReader(seed(b)))
	if err != nil {
		panic(err) // 32 bytes are there
	}
	return sk
}

func seed(b byte) []byte { return bytes.Repeat([]byte{b}, bls.SecretKeySize) }

func owner(b byte) (o [bls.OwnerSize]byte) {
	copy(o[:], bytes.Repeat([]byte{b}, len(o)))
	return o
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
