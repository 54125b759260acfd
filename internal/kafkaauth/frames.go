package kafkaauth

import "encoding/binary"

// sizeBytes is how many bytes stand before each request and each answer, and say how long it is (Kafka protocol guide).
const sizeBytes = 4

// frames counts the requests, or the answers, that pass in one direction of a connection. A frame is one of these, with
// its size before it.
type frames struct {
	size [sizeBytes]byte
	have int // how many bytes of size have passed
	left int // how many bytes of the frame behind its size have not passed
}

// between reports whether the next byte is the first one of a frame.
func (f *frames) between() bool { return f.have == 0 && f.left == 0 }

// pass notes that b has passed, and returns how many frames ended in it.
func (f *frames) pass(b []byte) (ended int) {
	for len(b) > 0 {
		if f.left == 0 {
			n := copy(f.size[f.have:], b)
			f.have, b = f.have+n, b[n:]
			if f.have < sizeBytes {
				return ended
			}
			f.left = int(binary.BigEndian.Uint32(f.size[:]))
		}
		n := min(f.left, len(b))
		f.left, b = f.left-n, b[n:]
		if f.left == 0 {
			f.have = 0
			ended++
		}
	}
	return ended
}
