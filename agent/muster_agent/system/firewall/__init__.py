"""Host firewalls of Linux: the kernel's rules as nft and iptables print them, and the programs that set them."""
