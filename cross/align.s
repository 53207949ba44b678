@ musl's code that runs before and after main is ARM code without an alignment. Behind Thumb code it
@ could begin between two words.
.section .init, "ax", %progbits
.p2align 2
.section .fini, "ax", %progbits
.p2align 2
