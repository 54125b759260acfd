package consumer

// signal wakes the one goroutine that receives from flag, a channel of capacity 1. Several signals before it receives wake it
// once.
func signal(flag chan struct{}) {
	select {
	case flag <- struct{}{}:
	default:
	}
}
