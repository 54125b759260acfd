package consumer

// signal wakes the one goroutine that receives from flag, a channel of capacity 1. Signals that it has not received yet
// are one.
func signal(flag chan struct{}) {
	select {
	case flag <- struct{}{}:
	default:
	}
}
