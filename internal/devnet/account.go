package devnet

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/isthmus-network/isthmus/proofs"
)

// account is a demo account and its key.
type account struct {
	name string
	id   proofs.AccountID
	key  ed25519.PrivateKey
	file string
}

// accountFile is the document of an account's key, the same that
// `isthmus account new` writes: the seed of an Ed25519 key, in hexadecimal.
type accountFile struct {
	Seed string `json:"seed"`
}

var accountNames = [...]string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"}

func accountName(i int) string {
	if i < len(accountNames) {
		return accountNames[i]
	}
	return fmt.Sprintf("account-%d", i)
}

// openAccount reads the account's file in dir, or makes a key and writes it.
func openAccount(dir, name string) (*account, error) {
	a, err := loadAccount(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return newAccount(filepath.Join(dir, name+".json"), name)
	}
	return a, err
}

// loadAccounts reads the accounts in dir, which may be none.
func loadAccounts(dir string) ([]*account, error) {
	var all []*account
	for i := 0; ; i++ {
		a, err := loadAccount(dir, accountName(i))
		if errors.Is(err, fs.ErrNotExist) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
}

func loadAccount(dir, name string) (*account, error) {
	path := filepath.Join(dir, name+".json")
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var doc accountFile
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	seed, err := hex.DecodeString(doc.Seed)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s: seed: want %d hexadecimal digits", path, 2*ed25519.SeedSize)
	}
	return accountOf(path, name, ed25519.NewKeyFromSeed(seed)), nil
}

func newAccount(path, name string) (*account, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(&accountFile{Seed: hex.EncodeToString(key.Seed())})
	if err != nil {
		return nil, err
	}
	return accountOf(path, name, key), os.WriteFile(path, append(b, '\n'), 0o600)
}

func accountOf(path, name string, key ed25519.PrivateKey) *account {
	public := [32]byte(key.Public().(ed25519.PublicKey))
	return &account{name: name, id: proofs.AccountOf(public), key: key, file: path}
}
