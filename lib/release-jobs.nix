# Makes a flake's output `release-jobs` from its `hydraJobs`:
#
#   release-jobs.<profile>.build.<system>   hydraJobs.build.<system>, untouched
#   release-jobs.<profile>.tarballs         one folder with every file of a release:
#     nix-VERSION-SYSTEM.tar.xz                   from hydraJobs.binaryTarball
#     PREFIX-VERSION-docker-image-SYSTEM.tar.gz   from hydraJobs.dockerImage, where it has SYSTEM
#     PREFIX-VERSION-manual.tar.gz                from the output `doc` of one build
#     and beside each of them FILE.sha256: 64 hex digits, nothing else
#
# Nothing of nixpkgs is needed: `import ./release-jobs.nix { inherit hydraJobs version; }`
# takes shell and tools from the machine. A project that has nixpkgs adds
#
#   shell = "${pkgs.bash}/bin/bash";
#   path = pkgs.lib.makeBinPath [ pkgs.coreutils pkgs.gnutar pkgs.gzip ];
{
  # build.<system>: the package, whose output `doc` has share/doc/nix/manual;
  # binaryTarball.<system>: a folder that holds nix-VERSION-SYSTEM.tar.xz;
  # dockerImage.<system>, optional: a docker-archive .tar.gz, or a folder that holds one.
  hydraJobs,
  # VERSION, as it stands in the names of the files.
  version,
  # PREFIX.
  prefix ? "lix",
  # The system that joins the files, and whose build the manual is taken from.
  system ? "x86_64-linux",
  # Name of a profile -> the systems it consists of.
  profiles ? {
    all = builtins.attrNames hydraJobs.build;
    x86_64-linux-only = [ "x86_64-linux" ];
  },
  # What the joining derivation runs: a POSIX shell, coreutils, GNU tar, gzip.
  shell ? "/bin/sh",
  path ? "/usr/bin:/bin",
  # Further attributes of the joining derivation, such as `preferLocalBuild`.
  extra ? { },
}:
let
  release = profile: systems: {
    build = builtins.listToAttrs (
      map (name: { inherit name; value = job profile "build" name; }) systems
    );
    tarballs = derivation (extra // {
      name = "${prefix}-${version}-tarballs";
      inherit system;
      builder = shell;
      PATH = path;
      args = [ "-euc" (join profile systems) ];
    });
  };

  job = profile: kind: system:
    hydraJobs.${kind}.${system} or (throw
      "release-jobs: profile '${profile}' needs hydraJobs.${kind}.${system}, which does not exist");

  join = profile: systems: ''
    mkdir "$out"
    ${each systems (binaryTarball profile)}
    ${each (builtins.filter (s: hydraJobs ? dockerImage.${s}) systems) dockerImage}
    ${manual (job profile "build" system).doc "${prefix}-${version}-manual"}
    cd "$out"
    for file in *; do
      sha256sum "$file" | { read -r digest _; printf %s "$digest"; } > "$file.sha256"
    done
  '';

  each = systems: f: builtins.concatStringsSep "\n" (map f systems);

  binaryTarball = profile: s: ''
    cp ${job profile "binaryTarball" s}/nix-${version}-${s}.tar.xz "$out"
  '';

  dockerImage = s: ''
    set -- ${hydraJobs.dockerImage.${s}}
    if [ -d "$1" ]; then set -- "$1"/*.tar.gz; fi
    if [ $# != 1 ]; then echo "more than one docker image for ${s}: $*" >&2; exit 1; fi
    cp "$1" "$out/${prefix}-${version}-docker-image-${s}.tar.gz"
  '';

  # The copy undoes the hard links an optimised store has between equal files: with
  # them the bytes of the archive would depend on the machine.
  manual = doc: name: ''
    cp -R ${doc}/share/doc/nix/manual ${name}
    tar --create --format=gnu --sort=name --owner=0 --group=0 --numeric-owner \
      --mode=u=rwX,go=rX --mtime=@1 ${name} > manual.tar
    gzip -n -9 < manual.tar > "$out/${name}.tar.gz"
  '';
in
builtins.mapAttrs release profiles
