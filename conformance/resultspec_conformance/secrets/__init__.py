"""What nobody may see: canaries and credentials, and every place where they could turn up."""
