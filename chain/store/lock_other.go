//go:build !unix

package store

import (
	"errors"
	"io"
)

// lockFile refuses: without flock(2) a second copy of a key could not be seen, and a
// validator must not run there.
func lockFile(string) (io.Closer, error) {
	return nil, errors.New("store: file locks are not supported on this system")
}
