package p2p

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A frame is a big-endian uint32 length and that many bytes.
const frameHeader = 4

// firstChunk is what is allocated for a frame on its word alone; the rest is allocated as bytes arrive.
const firstChunk = 64 << 10

func appendFrame(dst, msg []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(msg)))
	return append(dst, msg...)
}

// readFrame reads one frame of at most limit bytes. It returns io.EOF only between frames.
func readFrame(r io.Reader, limit int) ([]byte, error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(header[:])
	if uint64(n) > uint64(limit) {
		return nil, fmt.Errorf("%w: frame of %d bytes, want at most %d", ErrTooLarge, n, limit)
	}
	return readBody(r, int(n))
}

// readBody reads n bytes, never holding more than twice what has arrived beyond the first chunk.
func readBody(r io.Reader, n int) ([]byte, error) {
	buf := make([]byte, min(n, firstChunk))
	for have := 0; ; {
		if _, err := io.ReadFull(r, buf[have:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		have = len(buf)
		if have == n {
			return buf, nil
		}
		grown := make([]byte, min(n, 2*have))
		copy(grown, buf)
		buf = grown
	}
}
