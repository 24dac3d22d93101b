/* Linked to the libraries of pannier: what its start costs before its first line. */
int main(void)
{
	return 0;
}
