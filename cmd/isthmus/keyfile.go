package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/proofs"
)

// maxKeyFile bounds a key file.
const maxKeyFile = 4096

// keyFile is an account's secret as JSON: {"seed": 64 hexadecimal digits}, the
// seed of an Ed25519 key. The file's mode is 0600.
type keyFile struct {
	Seed string `json:"seed"`
}

func accountOf(key ed25519.PrivateKey) proofs.AccountID {
	return proofs.AccountOf([32]byte(key.Public().(ed25519.PublicKey)))
}

// writeKey makes a new file, durably. It overwrites nothing.
func writeKey(path string, key ed25519.PrivateKey) error {
	b, err := json.Marshal(keyFile{Seed: hex.EncodeToString(key.Seed())})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// readKey reads a key file that only its owner can read. Errors never quote it.
func readKey(path string) (ed25519.PrivateKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if !fi.Mode().IsRegular() || fi.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s: got mode %v, want a regular file of mode -rw------- (chmod 600): %w", path, fi.Mode(), bootstrap.ErrExposed)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	var k keyFile
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(&k) != nil {
		return nil, usage("key file %s: want {\"seed\": 64 hexadecimal digits}", path)
	}
	seed, err := hex.DecodeString(k.Seed)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, usage("key file %s: want a seed of %d hexadecimal digits", path, 2*ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
